"""From found clips to clips worth training on: paper appendix B, stage by stage."""
