"""Who renders the frames: this process, a pool of local ones, or Ray actors."""
