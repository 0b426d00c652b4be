"""Declare what a Salesforce org must look like after a release; plan it, apply it, prove it, take it back."""

__version__ = "0.1.0"
