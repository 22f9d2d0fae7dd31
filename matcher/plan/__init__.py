"""What a register of a given size needs: from measured rates to shards, cores, memory, disk and errors."""
