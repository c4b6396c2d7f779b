"""From a bank line to the customer who paid and the receivables that were paid: evidence, then ranked proposals."""
