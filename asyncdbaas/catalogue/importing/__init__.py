"""Import what other tools declare: Strimzi, kafka-gitops, JulieOps, topicctl, Terraform and Kafka's own command line.

Each module reads one format. What has no place in a catalogue becomes a note with file and line.
"""

from asyncdbaas.catalogue.importing.importer import Imported, import_catalogue

__all__ = ["Imported", "import_catalogue"]
