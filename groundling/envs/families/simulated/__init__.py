"""Foreign worlds: any class that is a simulator, behind one family."""
