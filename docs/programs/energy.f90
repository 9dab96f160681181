! Energy, forces and pressure of a silicon crystal from a network that was exported as silicon/
! (carnet export MODEL --target cpp -o silicon/) and finds its neighbours with vesin, whose header
! and library are in the folders include and lib of the Python package vesin:
!
!     c++ -std=c++17 -O3 -march=native -fopenmp -Dsilicon_VESIN -Iinclude -c silicon/silicon.cpp
!     gfortran energy.f90 silicon.o lib/libvesin.so -lstdc++ -lgomp -o energy
!     ./energy silicon/silicon.safetensors
program energy
  use, intrinsic :: iso_c_binding
  implicit none

  type, bind(c) :: message
    type(c_ptr) :: text
    integer(c_size_t) :: length
  end type
  type, bind(c) :: structure
    integer(c_int64_t) :: atoms
    type(c_ptr) :: numbers, positions, cell, periodic
  end type
  interface
    integer(c_int) function silicon_load(weights, elements, count, model, text) bind(c)
      import
      character(kind=c_char), intent(in) :: weights(*)
      integer(c_int32_t), intent(in) :: elements(*)
      integer(c_int64_t), value :: count
      type(c_ptr), intent(out) :: model
      type(message), value :: text
    end function
    integer(c_int) function silicon_potential_of(model, member, given, threads, total, energies, &
        forces, virial, text) bind(c)
      import
      type(c_ptr), value :: model, energies
      integer(c_int), value :: member, threads
      type(structure), intent(in) :: given
      real(c_double), intent(out) :: total, forces(3, *), virial(3, 3)
      type(message), value :: text
    end function
    subroutine silicon_free(model) bind(c)
      import
      type(c_ptr), value :: model
    end subroutine
  end interface

  real(c_double), parameter :: a = 5.43_c_double  ! a site of every column, in quarters of the cell
  real(c_double), target :: cell(3, 3) = reshape([a, 0d0, 0d0, 0d0, a, 0d0, 0d0, 0d0, a], [3, 3])
  real(c_double), target :: sites(3, 8) = a / 4 * reshape([0, 0, 0, 0, 2, 2, 2, 0, 2, 2, 2, 0, &
      1, 1, 1, 1, 3, 3, 3, 1, 3, 3, 3, 1], [3, 8])
  integer(c_int32_t), target :: numbers(8) = 14
  integer(c_int8_t), target :: periodic(3) = 1
  character(kind=c_char), target :: text(500)
  character(len=1000) :: weights
  real(c_double) :: total, forces(3, 8), virial(3, 3)
  type(c_ptr) :: model
  integer :: status

  call get_command_argument(1, weights)
  status = silicon_load(trim(weights) // c_null_char, numbers, 1_c_int64_t, model, told())
  if (status == 0) status = silicon_potential_of(model, -1, structure(8, c_loc(numbers), &
      c_loc(sites), c_loc(cell), c_loc(periodic)), 0, total, c_null_ptr, forces, virial, told())
  if (status /= 0) then
    print '(500a)', text(:findloc(text, c_null_char, 1) - 1)
    call silicon_free(model)
    stop 1
  end if
  print '(es18.10, a, es12.3, a, es14.6, a)', total, ' eV, force on the first atom ', &
      forces(1, 1), ' eV/angstrom, pressure ', (virial(1, 1) + virial(2, 2) + virial(3, 3)) &
      / (3 * a**3), ' eV/angstrom^3'
  call silicon_free(model)

contains

  type(message) function told()  ! where a function says what is wrong
    told = message(c_loc(text), size(text, kind=c_size_t))
  end function
end program
