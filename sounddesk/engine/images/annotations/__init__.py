"""Masks in the files of annotation programs: labelme, COCO (with SA-1B and SAM's own dumps), VIA and CVAT."""
