"""One Argo CD server over the network: calls, credentials, deadlines, what may be repeated."""
