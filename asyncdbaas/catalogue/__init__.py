"""Topic catalogues: files that say which Kafka topics there should be.

    cluster: shop                    # name or id; can be left to the caller
    defaults:
      partition_count: 6
      config: {retention.ms: 604800000}
    topics:
      - name: orders.placed
        partition_count: 24
        config: {cleanup.policy: "compact,delete"}

Several clusters stand in a list below `clusters`, each with its own `cluster`, `defaults` and `topics`. JSON has the
same shape. A CSV has one topic a row; its columns are `cluster`, `name`, `partition_count`, `replication_factor` and
any settings. Settings go by the service's names and values or by Kafka's own: `retention_ms` or `retention.ms`,
`compact_delete` or `compact,delete`, 86400000 or "86400000".
"""

from asyncdbaas.catalogue.model import (
    NO_METADATA,
    Catalogue,
    CatalogueError,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUser,
    Metadata,
    Problem,
)
from asyncdbaas.catalogue.reading import catalogue_schema, parse_catalogue, read_catalogue
from asyncdbaas.catalogue.updating import CatalogueUpdate, update_catalogue
from asyncdbaas.catalogue.variables import catalogue_variables
from asyncdbaas.catalogue.writing import write_catalogue

__all__ = [
    "NO_METADATA",
    "Catalogue",
    "CatalogueError",
    "CatalogueRegistry",
    "CatalogueSchema",
    "CatalogueTopic",
    "CatalogueUpdate",
    "CatalogueUser",
    "Metadata",
    "Problem",
    "catalogue_schema",
    "catalogue_variables",
    "parse_catalogue",
    "read_catalogue",
    "update_catalogue",
    "write_catalogue",
]
