// The room's sources follow.
