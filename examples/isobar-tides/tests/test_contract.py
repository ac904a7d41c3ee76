"""The contract of every source."""

from isobar_tides import source

from pipelines.testing import contract

TestContract = contract(source)
