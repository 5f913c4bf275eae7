"""Catalogues: files that declare the topics, users and schemas of Kafka clusters.

    cluster: shop                    # name or id, or a list of them; without it, the caller chooses
    defaults:
      partition_count: 6
      config: {retention.ms: 7d}
    topics:
      - name: orders.placed
        owner: payments              # also description, labels and keys that begin with x-
        partition_count: 24
        config: {cleanup.policy: "compact,delete", max.message.bytes: 2MiB}
    users:
      - name: order-service
        acl: [{topic: "orders.*", permission: produceconsume}]
    schemas:
      - {subject: orders.placed-value, file: schemas/order.avsc, compatibility: backward}
    schema_registry: {compatibility: full}

Several clusters are items of a list `clusters`, each with its own `cluster`, `defaults`, `topics` and so on. JSON has
the same structure. A CSV has one topic per row; its columns are `cluster`, `name`, `partition_count`,
`replication_factor`, settings and notes. Settings have the service's names and values or Kafka's: `retention_ms` or
`retention.ms`, `compact_delete` or `compact,delete`, 86400000, "86400000" or 24h; `null` stands for the service's
default. Values may hold variables, `${NAME}`.
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
