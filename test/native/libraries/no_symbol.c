/* A shared object that is no kernel library. */
int sparsemark_describes_nothing(void);
int sparsemark_describes_nothing(void) { return 0; }
