"""Tasks that only the starter bundle needs: its image encoder, class head and segmenter."""
