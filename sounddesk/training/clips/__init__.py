"""The user's training clips (videos, or images with sounds): found, read, checked, packed and encoded."""
