"""What happens to any resource: diff, order, plan, apply, settle, revert.

The engine decides. It knows no kind, no org, no disk and no terminal by name: kinds, the org and
the journal are handed to it as the promises that `model` states.
"""
