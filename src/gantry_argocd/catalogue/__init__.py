"""What is known of all applications, and how it comes into the host's catalogue."""
