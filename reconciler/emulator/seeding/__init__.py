"""A project's files into an org: its schema, its components that live as rows, its sample records."""
