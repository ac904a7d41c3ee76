"""A dbt project as a source of Isobar: its models are assets behind the views that they read."""

from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="MODELS_"):
    """How dbt connects."""

    url: isobar.SecretStr | None = isobar.secret_text("The address of a modeller's login.")


source = isobar.Source(
    name="models",
    package=__name__,
    about="Models that dbt builds from Isobar's views.",
    settings=Settings,
    job="Build and test the models.",
    schedules=(isobar.Schedule(cron="30 5 * * *"),),
)
