"""The shop's web site: visits, events, and the GA4 export that they become."""
