"""Everything that Isobar promises of a source, tried with records made from its models."""

from isobar_tides import source

from pipelines.testing import contract

TestContract = contract(source)
