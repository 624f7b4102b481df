"""Leaves a thread that changes the answer after it was given."""
import threading


def attack(canary):
    answer = ["honest"]
    def change():
        answer[0] = "escaped"
    threading.Thread(target=change).start()
    return answer
