"""Projects for other programs: AAF, DAWproject, OpenTimelineIO and Reaper."""
