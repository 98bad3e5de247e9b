"""HTTP: the one door by which a request is read, routed, answered and described.

`service` answers a function's requests by its `Interface` of routes, `push` takes Pub/Sub's;
`reading`, `conditions`, `request` and `pages` are the rules of what comes in, `answers` and
`openapi` of what goes out, `identity` says who asks. Imports messaging, model, settings and errors.
"""
