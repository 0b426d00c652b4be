"""What a client of the emulated org meets: addresses, sessions, envelopes, faults, and two ways in.

An endpoint is a function of the org and a request (`endpoints/`), found through one table
(`routing`). `service.handle` runs it inside the rules that hold for every call: versions, sessions,
limits, envelopes. `adapter` (in-process) and `server` (a port) only carry bytes, and both pass by
`faults`, which spoils the exchanges a test asked to have spoiled.

Only `server` and `adapter` know sockets and the requests library; importing anything else here
stays cheap, because the server must answer soon after its process starts.
"""
