"""WMS: releases, cancellations, and shipments reported by the warehouse."""
