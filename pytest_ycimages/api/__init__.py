"""What the cloud says: requests, resources, statuses, and their JSON form. No state, no time, no transport."""
