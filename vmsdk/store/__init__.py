"""What vSphere remembers and the hypervisor does not: references, accounts, intents, tasks, facts."""
