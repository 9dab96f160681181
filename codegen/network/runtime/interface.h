/* Units: angstrom and those that NAME_describe() states. All functions may be called from several
 * threads at once, also with one model: a model does not change after it is loaded. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NAME_INTERFACE 1 /* changes when a signature below does */

enum {
    NAME_OK = 0,
    NAME_INPUT = 1,       /* an argument that makes no sense; the message says which */
    NAME_FILE = 2,        /* weights that cannot be read */
    NAME_MEMORY = 3,      /* not enough memory */
    NAME_UNSUPPORTED = 4, /* this network, or this build, cannot do that */
    NAME_INTERNAL = 5
};

typedef struct NAME_model NAME_model;

/* Where a message goes: a text of at most length bytes, its end included. Text may be null. */
typedef struct {
    char* text;
    size_t length;
} NAME_message;

/* Atoms and their bonds. Of every pair within the cutoff both bonds are there, in any order;
 * longer ones count for nothing. */
typedef struct {
    int64_t atoms;
    const int32_t* numbers;    /* atomic numbers, [atoms] */
    const uint8_t* counted;    /* whether an atom's energy counts, [atoms]; null: all do */
    int64_t bonds;
    const int32_t* receivers;  /* [bonds] */
    const int32_t* senders;    /* [bonds] */
    const double* vectors;     /* from receiver to sender, [bonds][3] */
    double volume;             /* of the cell; 0 where nothing repeats */
} NAME_bonds;

/* Atoms in a cell, whose bonds this library finds. */
typedef struct {
    int64_t atoms;
    const int32_t* numbers;   /* [atoms] */
    const double* positions;  /* [atoms][3] */
    const double* cell;       /* lattice vectors as rows, [3][3] */
    const uint8_t* periodic;  /* along which of them the structure repeats, [3] */
} NAME_structure;

/* The interface that a library was built with, to compare with NAME_INTERFACE. */
int NAME_interface(void);

/* What the network is, as JSON: name, cutoff, layers, elements, targets, units, precision. */
const char* NAME_describe(void);

/* Largest length of a bond, angstrom. */
double NAME_cutoff(void);

/* How far atoms reach that an energy depends on, angstrom: layers times cutoff. */
double NAME_influence(void);

/* Read the weights. Radial functions come from tables for the elements named, [count], faster by
 * far in a simulation; with count 0 they are exact, for any element that the network knows. */
int NAME_load(const char* weights, const int32_t* elements, int64_t count, NAME_model** model,
              NAME_message message);
/* The same with the file's content in memory, which is not needed afterwards. */
int NAME_load_bytes(const void* weights, int64_t length, const int32_t* elements, int64_t count,
                    NAME_model** model, NAME_message message);
void NAME_free(NAME_model* model);

/* Energy of the atoms that count. Any result but the energy may be null: energies of the atoms,
 * [atoms]; forces, [atoms][3]; virial, minus the derivative by a strain, [3][3]; gradient by the
 * vectors of the bonds, [bonds][3]. member: the number of a network of an ensemble, or -1 for the
 * mean of all. threads: 0 for as many as OpenMP takes. */
int NAME_potential(const NAME_model* model, int member, const NAME_bonds* bonds, int threads,
                   double* energy, double* energies, double* forces, double* virial,
                   double* gradient, NAME_message message);

/* A tensor: its Cartesian components, [systems][3]...[3]. Systems: 1, or the atoms for a tensor
 * of atoms. target: its number in NAME_describe(). capacity: length of values. */
int NAME_tensor(const NAME_model* model, int member, int target, const NAME_bonds* bonds,
                int threads, double* values, int64_t capacity, NAME_message message);

/* The same for a structure; builds with NAME_VESIN defined have them. */
int NAME_potential_of(const NAME_model* model, int member, const NAME_structure* structure,
                      int threads, double* energy, double* energies, double* forces,
                      double* virial, NAME_message message);
int NAME_tensor_of(const NAME_model* model, int member, int target,
                   const NAME_structure* structure, int threads, double* values, int64_t capacity, NAME_message message);

#ifdef __cplusplus
}
#endif
