/* The floor of a program's start. */
int main(void)
{
        return 0;
}
