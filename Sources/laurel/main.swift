import LaurelServer

await Laurel.main()
