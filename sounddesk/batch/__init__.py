"""A folder of frames rendered unattended: planned, shared out, resumed, summed up."""
