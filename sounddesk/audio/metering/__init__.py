"""Levels and loudness: peak, true peak, RMS and the loudness of EBU R 128."""
