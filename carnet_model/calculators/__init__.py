"""Networks for the simulation programs of others, a module each, and crystals under potentials.

Nothing is imported here: what runs inside LAMMPS or torch-sim needs PyTorch only.
"""
