"""What a version's models say of contents: of whole ones, and of their parts."""
