"""Dagster assets of the dbt project, one for each model and snapshot, under the names of tables."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

PROJECT = DbtProject(Path(__file__).parents[1])
#: That of this environment, which need not be on the path.
DBT = Path(sys.executable).with_name("dbt")


class TablesAsKeys(DagsterDbtTranslator):
    """As everywhere in Isobar, the key of an asset says where the table is."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return schema and name."""
        of_source = dbt_resource_props.get("identifier")
        return dg.AssetKey([dbt_resource_props["schema"], of_source or dbt_resource_props["alias"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the schema, which is the group of all other assets, too."""
        return str(dbt_resource_props["schema"])

    def get_automation_condition(
        self, _props: Mapping[str, Any]
    ) -> dg.AutomationCondition[dg.AssetKey]:
        """Build a model again when what it reads has changed."""
        return dg.AutomationCondition.eager()


@dbt_assets(manifest=PROJECT.manifest_path, dagster_dbt_translator=TablesAsKeys(), name="dbt_build")
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build the chosen models, and run their tests."""
    yield from dbt.cli(["build"], context=context).stream()


definitions = dg.Definitions(
    assets=[models], resources={"dbt": DbtCliResource(PROJECT, dbt_executable=str(DBT))}
)
