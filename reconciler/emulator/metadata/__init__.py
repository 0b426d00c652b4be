"""What an org holds as metadata: the types of components, how they are deployed and retrieved."""
