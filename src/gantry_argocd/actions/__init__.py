"""What can be done to an application, how it is asked for, and how far it is. Pure."""
