"""What goes wrong: which faults there are, when they strike and whom, and an account of what they did."""
