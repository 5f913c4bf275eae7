"""A local, stateful stand-in of DigitalOcean's Managed Databases API: all 71 operations below `/v2/databases`.

    async with Emulator() as emulator:
        ...  # any client, with emulator.url and emulator.token

It imports nothing of the client: it is a second, independent reading of the API, in plain data. It was never held
against the live service, but against the vendor's description, the vendor's own client and what users have reported.

Time
    Everything goes by `emulator.clock`: real, scaled (`time_scale=60`: a minute passes in a second) or stepped
    (`Clock.stepped()` and `advance`). Headers always speak the client's own time: `retry-after` is the virtual
    wait divided by the scale, in whole seconds at a scale of 1 and in thousandths else, always rounded up;
    `ratelimit-reset` is the epoch second of the client's wall clock. On a stepped clock both are virtual.

Assumed
    No source confirms the following, so do not rely on it. Where two behaviours are likely, `Quirks` chooses.

    * Order of refusals: token (401, which counts in no window), rate limit, route, scope, body, object, state.
    * A method that a path does not know gets the plain 404 of an unknown route; 405 and 415 are never sent, and the
      request's content type is not looked at.
    * Scopes by method: GET needs `database:read`, POST `create`, PUT and PATCH `update`, DELETE `delete`.
    * 400 for a body that cannot be read (not JSON, a value of the wrong type, an unknown setting), 422 for all that is
      read and not valid; 409 is never sent. The id of a 412 is `precondition_failed`.
    * Names taken: 422 "... name is not available" for topics, users, databases, pools and log sinks as for clusters.
    * A child created before the cluster is online, and a second change while one is going on, get 412. So does a topic
      that is changed while it is configuring, or deleted while it is being deleted already.
    * Users of redis and valkey are refused with 422; the service has been seen to answer 500.
    * Lists come whole, whatever `page` says (`Quirks.page_size`). Replicas are not in the list of clusters
      (`Quirks.replicas_listed`). GET autoscale has the envelope of the vendor's Go client
      (`Quirks.autoscale_wrapped`). Autoscale that is switched off shows no figures unless it was given some.
    * A create accepts retired versions, sizes and regions that the offer's `union` lists (`Emulator(strict=True)`
      refuses them, `lenient=True` accepts any). A version is shown as it was ordered, so a cluster ordered as `7` does
      not show `7.0`. A version whose `end_of_availability` has passed is neither offered nor accepted, unless it is the
      engine's default: Kafka 3.8 was still ordered a year after its date.
    * `version` may be left out and gives the newest one, or the one of the restored backup. A successful `dry_run`
      answers 201 with the cluster that would be. Null in a PATCH of a config means "not sent", but for the settings
      that the description lets null clear.
    * Settings show the default that the description or the engine documents, and are left out if neither does. Of the
      `ism_` settings of OpenSearch, `ism_history_enabled` must be among those sent. Parameters of the advanced editions
      are checked for their type; PostgreSQL's own ranges hold with `strict=True` only.
    * A setting that a topic lacks is refused with 400, as in a cluster's config. PUT of a topic keeps the settings it
      does not name (`Quirks.topic_put_replaces`), and never answers 202.
    * The public port for Kafka clients with a certificate; those for SASL and the private ones are attested.
    * The schema registry needs not be switched on. Registering to a subject that exists makes its next version; Avro
      schemas are checked for compatibility by fields and promotions only, others not at all. Schema types are shown as
      sent; capitals are accepted, as the description has them (`Quirks.refuse_capital_schema_types`).
    * What is deleted is gone at once, a new topic is active at once, and an upgrade shows its version at once:
      Terraform's tests expect so. Others saw the contrary: `Delays.delete`, `topic_delete`, `topic` and `upgrade`.
    * Deleting a cluster deletes its replicas. A default user or database cannot be deleted (422).
    * PATCH `cluster_type`, which the vendor's pages document, answers 204; only redis can be converted, to valkey.
    * Storage that comes with a size, semantic versions, and sizes of backups are plausible, not real. There is no limit
      to the number of clusters, and storage does not grow by itself.
    * Every duration in `Delays`.
"""

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.emulator import Emulator
from asyncdbaas.emulator.faults import KINDS, Fault, Faults, UnusedFaultError
from asyncdbaas.emulator.offer import OfferError
from asyncdbaas.emulator.recorder import Recorder, SeenRequest
from asyncdbaas.emulator.responses import Response
from asyncdbaas.emulator.seed_data import SeedError
from asyncdbaas.emulator.storage import StateError

__all__ = [
    "KINDS",
    "Clock",
    "Delays",
    "Emulator",
    "Fault",
    "Faults",
    "OfferError",
    "Quirks",
    "Recorder",
    "Response",
    "SeedError",
    "SeenRequest",
    "StateError",
    "UnusedFaultError",
]
