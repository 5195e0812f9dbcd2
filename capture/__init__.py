"""From the inbox to the workflows: what was captured is delivered, however often a process or Temporal goes away."""
