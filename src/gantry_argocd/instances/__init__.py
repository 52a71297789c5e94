"""All configured instances: what they list and tell, one application, what is wrong with one."""
