"""The words of the command line: what each command takes, what values mean, what goes together."""
