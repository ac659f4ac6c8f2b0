"""What the commands share: flags, error messages, exit codes, signals, help."""
