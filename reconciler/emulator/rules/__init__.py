"""What single objects demand of a write beyond what every object does; `hooks` says how."""
