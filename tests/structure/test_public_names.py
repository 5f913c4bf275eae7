"""What is public is listed, and nothing else is."""

from __future__ import annotations

from typing import Final

from source_tree import ENDPOINTS, definitions, is_public, listed, trees

import asyncdbaas

ERRORS: Final = {
    "APIError",
    "AcceptedError",
    "AuthenticationError",
    "BadRequestError",
    "CatalogueError",
    "ConflictError",
    "DBaaSError",
    "DecodeError",
    "EnsureError",
    "InvalidInputError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlanError",
    "PreconditionError",
    "QuotaStoreError",
    "QuotaWaitError",
    "RateLimitError",
    "RequestError",
    "RequestTimeoutError",
    "ServerError",
    "SessionStateError",
    "SettingsLostError",
    "TLSError",
    "TokenError",
    "TransportError",
    "UnprocessableError",
    "WaitFailedError",
    "WaitTimeoutError",
}
OTHERS: Final = {
    "UNSET",
    "AsyncSession",
    "Emulator",
    "RateLimiter",
    "RetryPolicy",
    "Unset",
    "Waiters",
    "__version__",
    "priority",
    "to_dict",
    "to_json",
}
BESIDE_ENDPOINTS: Final = {
    *(
        "bulk",
        "catalogue",
        "connect",
        "emulator",
        "ensure",
        "errors",
        "hooks",
        "plan",
        "retry",
        "types",
        "waiters",
        "web",
    )
}
# The emulator and the command line offer by their packages what lies inside, and pytest finds its fixtures by itself.
INSIDE: Final = ("emulator.", "cli.", "pytest_plugin")


def test_the_package_offers_these_names() -> None:
    assert sorted(asyncdbaas.__all__) == sorted(ERRORS | OTHERS | ENDPOINTS | BESIDE_ENDPOINTS)
    assert set(dir(asyncdbaas)) >= set(asyncdbaas.__all__)


def test_the_names_of_a_private_module_say_what_is_for_others_so_that_it_needs_no_list() -> None:
    private = [name for name in trees() if not is_public(name)]
    assert len(private) > 25
    assert [name for name in private if listed(name)] == []


def test_a_module_lists_what_it_defines_for_others() -> None:
    modules = [name for name in trees() if name and is_public(name) and not name.startswith(INSIDE)]
    assert len(modules) > 50
    defined = {
        name: node.name in listed(module)
        for module in modules
        for name, node in definitions(module)
        if name.count(".") == module.count(".") and is_public(node.name)
    }
    assert [name for name, is_listed in defined.items() if not is_listed] == []
