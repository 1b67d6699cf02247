"""Runs on the machines of a cluster, with Dask as the way between them.

    certificates   the authority of a cluster, and the certificates of its machines
    blobs          texts and files on a machine, each kept once under its hash
    host           the workers of a machine: an executor in a thread, with a lease
    agent          the process of a machine: a worker of Dask that answers the bridge
    hub            the scheduler of Dask, which connects the agents and the bridge
    placement      the choice of a machine for a job
    bridge         the process beside the supervisor that speaks to the agents

A machine obeys a message only if the bridge has heard from it within its lease, by its own clock, and its workers end
without a renewal of their lease. So no run trains twice, whatever freezes or is cut off and comes back later.
"""

LEASE_SECONDS = 4.0
"""How long a machine works for a bridge that it does not hear from."""
WORKER_SECONDS = 4.0
"""How long a worker goes on without a sign of its agent."""
LOST_SECONDS = LEASE_SECONDS + WORKER_SECONDS + 4.0
"""Silence after which a machine is given up; by then its workers have ended."""
HOLD_SECONDS = 0.5
"""How long an agent waits for news before it answers a question for them; each answer renews its lease."""
