/* Energy, forces and pressure of a silicon crystal from a network that was exported as
 * silicon/: carnet export MODEL --target cpp -o silicon/
 *
 *     c++ -std=c++17 -O3 -march=native -fopenmp -c silicon/silicon.cpp
 *     cc -Isilicon energy.c silicon.o -lstdc++ -lgomp -lm -o energy
 *     ./energy silicon/silicon.safetensors
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "silicon.h"

enum { ATOMS = 8, IMAGES = 2, MOST = 4096 };

int main(int count, char** arguments) {
    static const double sites[ATOMS][3] = {{0, 0, 0},          {0, .5, .5},       {.5, 0, .5},
                                           {.5, .5, 0},        {.25, .25, .25},   {.25, .75, .75},
                                           {.75, .25, .75},    {.75, .75, .25}};
    const double a = 5.43, cutoff = silicon_cutoff();
    static int32_t numbers[ATOMS], receivers[MOST], senders[MOST];
    static double vectors[MOST][3];
    double energy, forces[ATOMS][3], virial[9];
    char text[500];
    const silicon_message message = {text, sizeof text};
    const int32_t element = 14;
    silicon_model* model = NULL;
    int64_t bonds = 0;

    if (count != 2 || silicon_interface() != silicon_INTERFACE) return 2;
    if (silicon_load(arguments[1], &element, 1, &model, message) != silicon_OK) {
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    for (int i = 0; i < ATOMS; ++i) {
        numbers[i] = element;
        for (int j = 0; j < ATOMS; ++j)
            for (int k = 0; k < (2 * IMAGES + 1) * (2 * IMAGES + 1) * (2 * IMAGES + 1); ++k) {
                const int cell[3] = {k % 5 - IMAGES, k / 5 % 5 - IMAGES, k / 25 - IMAGES};
                double v[3], square = 0;
                for (int x = 0; x < 3; ++x) {
                    v[x] = a * (sites[j][x] + cell[x] - sites[i][x]);
                    square += v[x] * v[x];
                }
                if (square == 0 || sqrt(square) >= cutoff || bonds == MOST) continue;
                for (int x = 0; x < 3; ++x) vectors[bonds][x] = v[x];
                receivers[bonds] = i, senders[bonds++] = j;
            }
    }
    const silicon_bonds crystal = {ATOMS,   numbers,        NULL, bonds, receivers,
                                   senders, &vectors[0][0], a * a * a};
    const int status = silicon_potential(model, -1, &crystal, 0, &energy, NULL, &forces[0][0],
                                         virial, NULL, message);
    if (status == silicon_OK)
        printf("%.10g eV, force on the first atom %.3g eV/angstrom, pressure %.6g eV/angstrom^3\n",
               energy, forces[0][0], (virial[0] + virial[4] + virial[8]) / (3 * a * a * a));
    else
        fprintf(stderr, "%s\n", text);
    silicon_free(model);
    return status;
}
