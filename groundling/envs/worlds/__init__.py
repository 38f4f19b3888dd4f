"""What a task's author writes with: rooms, objects, goals, and what they mean in a world."""
