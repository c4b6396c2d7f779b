"""What people type about contracts and their changes."""
