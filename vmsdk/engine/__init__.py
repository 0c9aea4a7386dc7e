"""What every object of the server stands on. One room for each question; see the first lines of each file."""
