"""A local, stateful stand-in of DigitalOcean's Managed Databases API: all 71 operations below `/v2/databases`.

    async with Emulator() as emulator:
        ...  # any client, with emulator.url and emulator.token

It imports nothing of the client: it is a second, independent implementation of the API. It was never compared with the
live service, but with the vendor's description, the vendor's own clients and reports of users.

Time
    Everything uses `emulator.clock`: real, scaled (`time_scale=60`: a minute passes in a second) or stepped
    (`Clock.stepped()` and `advance`). Headers use the client's own time: `retry-after` is the virtual wait
    divided by the scale, rounded up to whole seconds at a scale of 1 and to thousandths otherwise;
    `ratelimit-reset` is the epoch second of the client's wall clock. On a stepped clock both are virtual.

Without Python
    `asyncdbaas emulator` runs it, with clusters from options or a seed file. Requests to `/_emulator/` do all that code
    can do, for tests in other languages (`/_emulator/openapi.json`), and `/_emulator/ui` is a page that shows what
    happens. These paths count in no rate limit. They accept requests of this machine only, and not of web pages of
    other sites. An emulator that lets other machines in (`allow_remote=True`) needs its token there.

Assumed
    No source confirms the following, so do not rely on it. `Quirks` switches between likely behaviours.

    * Order of refusals: token (401, which counts in no window), rate limit, route, scope, body, object, state.
    * A path with another method gets the plain 404 of an unknown route. 405 and 415 are never sent, and the request's
      content type is ignored.
    * Scopes by method: GET needs `database:read`, POST `create`, PUT and PATCH `update`, DELETE `delete`. A field that
      needs another scope (the description names them) is left out without it, and an order with it gets 403.
    * 400 for a body that is not JSON, a value of the wrong type, or an unknown setting; 422 for everything else that
      is not valid. 409 is never sent. The id of a 412 is `precondition_failed`.
    * Names that exist: 422 "... name is not available" for all named objects, as for clusters.
    * 412 for a child that is created before the cluster is online, a second change while one is in progress, a change
      of a topic that is configuring, and a second delete of a topic.
    * Users of redis and valkey are refused with 422; the service has been seen to answer 500.
    * Lists are sent whole; `page` is ignored (`Quirks.page_size`). Replicas are not in the list of clusters
      (`Quirks.replicas_listed`). GET autoscale has the envelope of the vendor's Go client
      (`Quirks.autoscale_wrapped`). Autoscale that is switched off shows no figures unless some were set.
    * A create accepts retired versions, sizes and regions that the offer's `union` lists (`Emulator(strict=True)`
      refuses them, `lenient=True` accepts any). A version is shown as it was ordered, so a cluster ordered as `7` does
      not show `7.0`. A version whose `end_of_availability` has passed is neither offered nor accepted, unless it is the
      engine's default: Kafka 3.8 was still ordered a year after its date.
    * Without `version`, a cluster gets the newest one, or the one of the restored backup. A successful `dry_run`
      answers 201 with the cluster that would be. Null in a PATCH of a config means "not sent", except for settings that
      the description allows null to clear.
    * Settings show the default that the description or the engine documents, and are left out if neither does. Of the
      `ism_` settings of OpenSearch, `ism_history_enabled` must be among those sent. Parameters of the advanced editions
      are checked for their type; PostgreSQL's own ranges hold with `strict=True` only.
    * A setting that a topic lacks is refused with 400, as in a cluster's config. PUT of a topic keeps the settings it
      does not name (`Quirks.topic_put_replaces`), and never answers 202.
    * The public port for Kafka clients with a certificate; those for SASL and the private ones are confirmed.
    * The schema registry works without being enabled. Registering a schema for an existing subject
      creates its next version. Only Avro schemas are checked for compatibility. Schema types are shown as
      sent; capitals are accepted, as the description has them (`Quirks.refuse_capital_schema_types`).
    * What is deleted is gone at once, a new topic is active at once, and an upgrade shows its version at once:
      Terraform's tests expect that. Other reports contradict: `Delays.delete`, `topic_delete`, `topic` and `upgrade`.
    * Deleting a cluster deletes its replicas. A default user or database cannot be deleted (422).
      MongoDB's user `do-readonly` has the role `normal`.
    * Of `/v2/tags` only the requests that change a cluster's tags are supported; a tag without a cluster does not
      exist. They need the scopes `tag:create` and `tag:delete`.
    * PATCH `cluster_type`, which the vendor's pages document, answers 204; only redis can be converted, to valkey.
    * Storage that comes with a size, semantic versions, and sizes of backups are plausible, not real. There is no limit
      to the number of clusters, and storage does not grow by itself.
    * Every duration in `Delays`.
"""

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.emulator import Emulator
from asyncdbaas.emulator.errors import EmulatorError
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
    "EmulatorError",
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
