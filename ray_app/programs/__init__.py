"""Where programs come from: mined, grown, or asked of a teacher; and what makes them fit to use."""
