"""What every page is made of: session, address, frame, charts, pictures."""
